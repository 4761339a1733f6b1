<?php
// What a request to the pool gets, by QUERY_STRING.
parse_str($_SERVER['QUERY_STRING'] ?? '', $query);
switch ($query['do'] ?? 'hello') {
    case 'hello':
        header('Content-Type: text/plain');
        echo 'hello ' . ($query['name'] ?? 'world');
        break;
    case 'body':
        $body = file_get_contents('php://input');
        header('X-Length: ' . ($_SERVER['CONTENT_LENGTH'] ?? 'none'));
        echo strlen($body) . ' ' . hash('crc32b', $body);
        break;
    case 'pid':
        echo getmypid();
        break;
    case 'large':
        $line = str_repeat('0123456789abcdef', 64);
        for ($sent = 0; $sent < (int) $query['kib']; $sent++) {
            echo $line;
        }
        break;
    case 'sleep':
        usleep((int) $query['ms'] * 1000);
        echo 'slept';
        break;
    case 'echo':
        // Sends each piece of the body back as it comes.
        header('X-Accel-Buffering: no');
        $input = fopen('php://input', 'rb');
        while (($piece = fread($input, 8192)) !== false && $piece !== '') {
            echo $piece;
            flush();
        }
        break;
    case 'finish':
        // Answers, and works on afterwards; says in a file when that is done.
        echo 'finished';
        fastcgi_finish_request();
        usleep((int) $query['ms'] * 1000);
        file_put_contents($query['file'], 'done');
        break;
    case 'note':
        // Works on whether anybody listens or not, and says so in a file.
        ignore_user_abort((bool) ($query['ignore'] ?? false));
        for ($tick = 0; $tick < 20; $tick++) {
            echo str_repeat('.', 5000);
            flush();
            usleep(10000);
        }
        file_put_contents($query['file'], 'done');
        break;
    case 'redirect':
        header('Location: /elsewhere');
        break;
    case 'status':
        http_response_code((int) $query['code']);
        echo 'status';
        break;
    case 'stderr':
        error_log('something odd');
        echo 'logged';
        break;
    case 'stream':
        header('X-Accel-Buffering: no');
        for ($tick = 0; $tick < 3; $tick++) {
            echo "tick $tick\n";
            flush();
            usleep(30000);
        }
        break;
    case 'die':
        // With a file, notes there that it was run.
        if (isset($query['file'])) {
            file_put_contents($query['file'], '.', FILE_APPEND);
        }
        shell_exec('kill -9 ' . getmypid());
        break;
    case 'ignore':
        // Answers without reading the body.
        echo 'ignored';
        break;
}
