<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * Response headers every HTML page carries: what the browser may load, and
 * whether a cache in front may keep a page that belongs to nobody.
 */
class PageHeaders
{
    private const POLICY = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
        ."base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

    public function handle(Request $request, Closure $next)
    {
        $response = $next($request);

        if (strncmp((string) $response->headers->get('Content-Type'), 'text/html', 9) !== 0) {
            return $response;
        }

        $response->headers->set('Content-Security-Policy', self::POLICY);
        $response->headers->set('X-Content-Type-Options', 'nosniff');
        $response->headers->set('Referrer-Policy', 'strict-origin-when-cross-origin');

        if ($seconds = $this->sharedLifetime($request, $response)) {
            $response->headers->set('Cache-Control', 'public, max-age=0, s-maxage='.$seconds);
            $response->setVary('Cookie', false);
        }

        return $response;
    }

    /** Seconds a shared cache may keep this response; 0 means it may not. */
    private function sharedLifetime(Request $request, Response $response): int
    {
        $anonymous = $request->isMethodCacheable()
            && $response->getStatusCode() === 200
            && ! $request->hasSession()
            && $response->headers->getCookies() === [];

        return $anonymous ? (int) config('pixel.page_cache') : 0;
    }
}
