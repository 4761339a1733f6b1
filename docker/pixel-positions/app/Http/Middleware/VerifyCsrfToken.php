<?php

namespace App\Http\Middleware;

use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken as Middleware;

/** The token travels in the forms; no script asks for it in a cookie. */
class VerifyCsrfToken extends Middleware
{
    protected $addHttpCookie = false;
}
