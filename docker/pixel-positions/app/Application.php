<?php

namespace App;

use App\Support\State;
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

        if ($state = State::directory()) {
            $this->useStoragePath($state.'/storage');
            $this->useEnvironmentPath($state);
        }
    }

    /** Moves `bootstrap/cache/...` into the state directory; the rest is code. */
    public function bootstrapPath($path = '')
    {
        $state = State::directory();

        if ($state !== null && strncmp((string) $path, 'cache/', 6) === 0) {
            return $state.'/bootstrap/'.$path;
        }

        return parent::bootstrapPath($path);
    }
}
