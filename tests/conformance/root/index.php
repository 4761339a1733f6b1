<?php
header("Content-Type: text/plain");
header("X-Front: yes");
echo "front ", $_SERVER["REQUEST_METHOD"], " ", $_SERVER["REQUEST_URI"], " q=", $_SERVER["QUERY_STRING"] ?? "none", "\n";
