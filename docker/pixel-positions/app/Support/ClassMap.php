<?php

namespace App\Support;

use Closure;
use ReflectionFunction;

/**
 * One table instead of eighty loaders.
 *
 * Every Debian library registers a loader of its own, and PHP asks them one
 * after the other for each class. Their tables can be read and merged, which
 * saves a few thousand calls per request.
 */
class ClassMap
{
    private const FILE = 'bootstrap/cache/classes.php';

    /** Puts the table, if there is one, before all other loaders. */
    public static function register(): void
    {
        $file = State::path(self::FILE);

        if (! is_file($file)) {
            return;
        }

        $classes = require $file;

        spl_autoload_register(static function (string $class) use ($classes): void {
            $path = $classes[strtolower($class)] ?? null;

            if ($path !== null) {
                require $path;
            }
        }, true, true);
    }

    public static function write(): void
    {
        $file = State::path(self::FILE);

        file_put_contents($file.'.new', '<?php return '.var_export(self::merged(), true).';');
        rename($file.'.new', $file);
    }

    /** @return array<string, string> file names by lower-case class name */
    private static function merged(): array
    {
        // A loader fills its table when it is first asked.
        class_exists('App\\No\\Such\\Name');
        $map = [];

        foreach (spl_autoload_functions() as $loader) {
            if (! $loader instanceof Closure) {
                continue;
            }

            $function = new ReflectionFunction($loader);
            $folder = dirname((string) $function->getFileName());

            foreach ($function->getStaticVariables()['classes'] ?? [] as $class => $path) {
                $map[$class] ??= $folder.$path;
            }
        }

        return array_filter($map, 'is_file');
    }
}
