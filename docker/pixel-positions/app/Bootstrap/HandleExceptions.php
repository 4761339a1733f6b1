<?php

namespace App\Bootstrap;

use Illuminate\Contracts\Foundation\Application;
use Illuminate\Foundation\Bootstrap\HandleExceptions as Framework;

/**
 * Turns errors into exceptions, but lets PHP 8.2's deprecations pass unseen:
 * they are Laravel 8's, not ours, and there is nothing to do about them here.
 */
class HandleExceptions extends Framework
{
    public function bootstrap(Application $app)
    {
        parent::bootstrap($app);

        $kept = E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED;

        error_reporting($kept);
        set_error_handler([$this, 'handleError'], $kept);
    }
}
