<?php

use App\Support\State;

$default = env('DB_CONNECTION', 'sqlite');

$server = [
    'host' => env('DB_HOST', '127.0.0.1'),
    'port' => env('DB_PORT', '3306'),
    'database' => env('DB_DATABASE', 'pixel'),
    'username' => env('DB_USERNAME', 'pixel'),
    'password' => env('DB_PASSWORD', ''),
    'unix_socket' => env('DB_SOCKET', ''),
    'charset' => 'utf8mb4',
    'collation' => 'utf8mb4_unicode_ci',
    'prefix' => '',
    'strict' => true,
    'engine' => null,
];

return [
    'default' => $default,

    'connections' => [
        'sqlite' => [
            'driver' => 'sqlite',
            // DB_DATABASE is a path for SQLite and a name for a server.
            'database' => ($default === 'sqlite' ? env('DB_DATABASE') : null)
                ?: State::path('database/database.sqlite'),
            'prefix' => '',
            'foreign_key_constraints' => true,
        ],

        'mysql' => ['driver' => 'mysql'] + $server,
    ],

    'migrations' => 'migrations',
];
