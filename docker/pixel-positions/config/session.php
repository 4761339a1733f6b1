<?php

return [
    'driver' => env('SESSION_DRIVER', 'file'),
    'lifetime' => (int) env('SESSION_LIFETIME', 120),
    'expire_on_close' => false,
    'encrypt' => false,
    'files' => storage_path('framework/sessions'),
    'connection' => null,
    'table' => 'sessions',
    'store' => null,
    'lottery' => [1, 500],
    'cookie' => env('SESSION_COOKIE', 'pixel_session'),
    'path' => '/',
    'domain' => env('SESSION_DOMAIN'),
    // Left null, the cookie is Secure exactly when the request came by HTTPS.
    'secure' => env('SESSION_SECURE_COOKIE'),
    'http_only' => true,
    'same_site' => 'lax',
];
