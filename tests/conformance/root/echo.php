<?php
// Tells what PHP saw of the request, but for what no two servers have in common.
header('Content-Type: text/plain');
$server = $_SERVER;
foreach (['REMOTE_PORT', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'SERVER_SOFTWARE', 'USER', 'HOME', 'argv', 'argc'] as $name) {
    unset($server[$name]);
}
ksort($server);
foreach ($server as $name => $value) {
    echo $name, ' = ', $value, "\n";
}
$body = file_get_contents('php://input');
echo 'body ', strlen($body), ' ', md5($body), "\n";
foreach ($_FILES as $name => $file) {
    echo "file $name ", $file['name'], ' ', $file['error'], ' ', $file['size'], "\n";
}
