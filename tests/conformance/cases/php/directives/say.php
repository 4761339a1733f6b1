<?php
// Answers as the query says: status, fields (one per `h[]`), text for stderr, milliseconds to wait, a body.
header('Content-Type: text/plain');
foreach ($_GET['h'] ?? [] as $field) {
    header($field, false);
}
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
foreach ($_GET['log'] ?? [] as $line) {
    error_log($line, 4);
}
usleep(1000 * (int) ($_GET['wait'] ?? 0));
if (isset($_GET['flush'])) {
    flush();
    usleep(1000 * (int) $_GET['flush']);
}
if (($_GET['head'] ?? 0) > 0) {
    header('X-Long: ' . str_repeat('x', (int) $_GET['head']));
}
echo str_repeat($_GET['text'] ?? 'answer ', (int) ($_GET['times'] ?? 1));
