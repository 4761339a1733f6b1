<?php

namespace App;

use Illuminate\Foundation\Application as Framework;

/**
 * The framework's application, with everything writable movable elsewhere.
 *
 * When the environment names a PIXEL_STATE directory, the .env file, the
 * storage tree, the SQLite file and the bootstrap caches live there and the
 * checkout stays read-only.
 */
class Application extends Framework
{
    /** Set here because there is no composer.json to read it from. */
    protected $namespace = 'App\\';

    public function __construct($basePath)
    {
        parent::__construct($basePath);

        if ($state = self::stateDirectory()) {
            $this->useStoragePath($state.'/storage');
            $this->useEnvironmentPath($state);
        }
    }

    /** The PIXEL_STATE directory, or null when the checkout itself is writable. */
    public static function stateDirectory(): ?string
    {
        $state = $_SERVER['PIXEL_STATE'] ?? getenv('PIXEL_STATE');

        return is_string($state) && $state !== '' ? rtrim($state, '/') : null;
    }

    /** Where the SQLite file lives unless DB_DATABASE says otherwise. */
    public static function sqliteFile(): string
    {
        return (self::stateDirectory() ?? dirname(__DIR__)).'/database/database.sqlite';
    }

    /** Moves `bootstrap/cache/...` into the state directory; the rest is code. */
    public function bootstrapPath($path = '')
    {
        $state = self::stateDirectory();

        if ($state !== null && strncmp((string) $path, 'cache/', 6) === 0) {
            return $state.'/bootstrap/'.$path;
        }

        return parent::bootstrapPath($path);
    }
}
