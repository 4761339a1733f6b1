<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Throwable;

/** Routes for probes, load tests and protocol tests. */
class DiagnosticsController extends Controller
{
    private const PARAMS = [
        'CONTENT_LENGTH', 'CONTENT_TYPE', 'DOCUMENT_ROOT', 'DOCUMENT_URI', 'GATEWAY_INTERFACE', 'HTTPS',
        'PATH_INFO', 'QUERY_STRING', 'REDIRECT_STATUS', 'REMOTE_ADDR', 'REMOTE_PORT', 'REMOTE_USER',
        'REQUEST_METHOD', 'REQUEST_SCHEME', 'REQUEST_URI', 'SCRIPT_FILENAME', 'SCRIPT_NAME', 'SERVER_ADDR',
        'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL', 'SERVER_SOFTWARE',
    ];

    public function up()
    {
        try {
            DB::select('select 1');
        } catch (Throwable $problem) {
            report($problem);

            return $this->text("down\n", 503);
        }

        return $this->text("up\n");
    }

    public function hello()
    {
        return $this->text("Hello from Pixel Positions.\n");
    }

    /** Sleeps `ms` milliseconds, ten seconds at the most. */
    public function slow(Request $request)
    {
        $wait = min(10000, max(0, (int) $request->query('ms', '200')));

        usleep($wait * 1000);

        return $this->text("Slept {$wait} ms.\n");
    }

    /** Shows a request exactly as PHP received it. */
    public function echo(Request $request)
    {
        $body = $request->getContent();

        return response()->json([
            'method' => $request->server('REQUEST_METHOD'),
            'uri' => $request->server('REQUEST_URI'),
            'path' => $request->getPathInfo(),
            'query' => $request->query->all(),
            'post' => $request->request->all(),
            'files' => $this->describeFiles($request->files->all()),
            'body' => ['length' => strlen($body), 'sha256' => hash('sha256', $body)],
            'secure' => $request->isSecure(),
            'ip' => $request->ip(),
            'url' => $request->fullUrl(),
            'server' => $this->serverParams($request),
        ], 200, ['Cache-Control' => 'no-store'], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
    }

    private function describeFiles(array $files): array
    {
        return array_map(fn ($file) => is_array($file) ? $this->describeFiles($file) : [
            'name' => $file->getClientOriginalName(),
            'size' => $file->isValid() ? $file->getSize() : null,
            'error' => $file->getError(),
            'sha256' => $file->isValid() ? hash_file('sha256', $file->getRealPath()) : null,
        ], array_filter($files));
    }

    private function serverParams(Request $request): array
    {
        $shown = array_filter(
            $request->server->all(),
            fn ($name): bool => strncmp($name, 'HTTP_', 5) === 0 || in_array($name, self::PARAMS, true),
            ARRAY_FILTER_USE_KEY
        );
        ksort($shown);

        return $shown;
    }

    private function text(string $text, int $status = 200)
    {
        return response($text, $status, ['Content-Type' => 'text/plain; charset=UTF-8', 'Cache-Control' => 'no-store']);
    }
}
