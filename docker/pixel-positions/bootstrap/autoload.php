<?php

/*
 * Class loading without a vendor folder: the framework and its libraries are
 * Debian packages under PHP's include path, the application's own classes
 * follow PSR-4.
 */

// Laravel 8 predates PHP 8.2 and triggers deprecations while its files are
// compiled. They are noise here and must never reach a response.
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED);
ini_set('display_errors', PHP_SAPI === 'cli' ? 'stderr' : '0');

spl_autoload_register(static function (string $class): void {
    static $roots = [
        'App\\' => '/app/',
        'Database\\Seeders\\' => '/database/seeders/',
    ];

    foreach ($roots as $prefix => $folder) {
        if (strncmp($class, $prefix, strlen($prefix)) === 0) {
            $file = dirname(__DIR__).$folder
                .strtr(substr($class, strlen($prefix)), '\\', '/').'.php';

            if (is_file($file)) {
                require $file;
            }

            return;
        }
    }
});

require_once 'Illuminate/autoload.php';
require_once dirname(__DIR__).'/app/Support/helpers.php';

// bin/prepare merges the tables of those libraries into one; it is only faster.
App\Support\ClassMap::register();
