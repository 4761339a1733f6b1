<?php

return [
    // Opens /echo, the request mirror that conformance tests read.
    'debug_routes' => (bool) env('APP_DEBUG_ROUTES', false),

    // Prefix of the web server's internal location for private files. Empty
    // makes PHP send the bytes itself.
    'accel_prefix' => env('PIXEL_ACCEL_PREFIX', '/protected/'),

    // Seconds a shared cache may keep a guest's page; 0 leaves it private.
    'page_cache' => (int) env('PIXEL_PAGE_CACHE', 0),

    // Addresses allowed to set X-Forwarded-*: a comma list, or *.
    'trusted_proxies' => env('TRUSTED_PROXIES'),
];
