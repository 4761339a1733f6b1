<?php
header("Content-Type: text/plain");
echo "app ", $_SERVER["SCRIPT_NAME"], " ", $_SERVER["PATH_INFO"] ?? "no path info", "\n";
