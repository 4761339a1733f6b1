<?php
// Answers as the query says: after how many milliseconds, status, fields (one per `h[]`), size of the body.
usleep(1000 * (int) ($_GET['wait'] ?? 0));
header('Content-Type: ' . ($_GET['type'] ?? 'text/plain'));
foreach ($_GET['h'] ?? [] as $field) {
    header($field, false);
}
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
echo str_repeat($_GET['text'] ?? 'answer ', (int) ($_GET['times'] ?? 1));
