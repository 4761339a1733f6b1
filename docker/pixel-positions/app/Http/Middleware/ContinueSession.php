<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Session\Middleware\StartSession;
use Illuminate\Support\Facades\Auth;

/**
 * Opens the session of a visitor who already has one, and starts none.
 *
 * A guest who only reads leaves no session file behind and receives no
 * cookie, so the page may be cached and a crawler costs nothing to remember.
 */
class ContinueSession extends StartSession
{
    public function handle($request, Closure $next)
    {
        $known = $request->cookies->has($this->manager->getSessionConfig()['cookie'])
            || $request->cookies->has(Auth::guard()->getRecallerName());

        return $known ? parent::handle($request, $next) : $next($request);
    }
}
