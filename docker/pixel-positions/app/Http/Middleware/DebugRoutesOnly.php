<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;

/** Hides the diagnostic routes unless APP_DEBUG_ROUTES is true. */
class DebugRoutesOnly
{
    public function handle(Request $request, Closure $next)
    {
        abort_unless(config('pixel.debug_routes'), 404);

        return $next($request);
    }
}
