<?php

use App\Support\Assets;

/** The hashed public path of a file under resources/. */
function built(string $source): string
{
    return app(Assets::class)->url('resources/'.$source);
}
