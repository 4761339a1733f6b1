<?php
header("Content-Type: text/plain");
echo basename(__FILE__), " ", $_SERVER["SCRIPT_NAME"], " ", $_SERVER["PATH_INFO"] ?? "-", " ", $_SERVER["QUERY_STRING"], "\n";
