<?php
// A page that says how often it was made under its name, and behaves as the query says.
$file = $_SERVER['COUNTS'] . '/count-' . md5(strtok($_SERVER['REQUEST_URI'], '?'));
$count = (int) @file_get_contents($file) + 1;
file_put_contents($file, $count);
header('Content-Type: text/plain');
foreach ($_GET['h'] ?? [] as $field) {
    header($field, false);
}
foreach ($_GET['log'] ?? [] as $line) {
    error_log($line, 4);
}
usleep(1000 * (int) ($_GET['wait'] ?? 0));
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
if (isset($_GET['tag'])) {
    header('ETag: "' . $_GET['tag'] . '"');
    if (($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') === '"' . $_GET['tag'] . '"') {
        http_response_code(304);
        exit;
    }
}
echo "page $count";
