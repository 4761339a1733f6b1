<?php

namespace App\Support;

/** Where everything writable lives: PIXEL_STATE, or the checkout itself. */
class State
{
    /** The PIXEL_STATE directory, or null when the environment names none. */
    public static function directory(): ?string
    {
        $state = $_SERVER['PIXEL_STATE'] ?? getenv('PIXEL_STATE');

        return is_string($state) && $state !== '' ? rtrim($state, '/') : null;
    }

    public static function path(string $path): string
    {
        return (self::directory() ?? dirname(__DIR__, 2)).'/'.$path;
    }
}
