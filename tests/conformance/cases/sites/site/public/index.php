<?php
// Tells what PHP saw of the request, but for what no two servers have in common.
header('Content-Type: text/plain; charset=UTF-8');
header('X-Powered-By: tests');
header('Cache-Control: no-cache, private');
header('Set-Cookie: laravel_session=abc; path=/; httponly');
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
if (isset($_GET['accel'])) {
    header('X-Accel-Redirect: ' . $_GET['accel']);
}
$server = $_SERVER;
foreach (['REMOTE_PORT', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'SERVER_SOFTWARE', 'USER', 'HOME', 'argv', 'argc', 'NGINX_VERSION'] as $name) {
    unset($server[$name]);
}
ksort($server);
echo basename(__FILE__), "\n";
foreach ($server as $name => $value) {
    echo $name, ' = ', $value, "\n";
}
echo 'body ', file_get_contents('php://input'), "\n";
