<?php

namespace App\Providers;

use App\Support\Assets;
use Illuminate\Pagination\Paginator;
use Illuminate\Support\Facades\View;
use Illuminate\Support\ServiceProvider;
use Illuminate\Support\ViewErrorBag;

class AppServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->singleton(Assets::class, fn ($app) => new Assets($app->publicPath().'/build/manifest.json'));
    }

    public function boot(): void
    {
        Paginator::defaultView('partials.pagination');

        // Pages of the `browse` group have no session to take errors from.
        View::share('errors', new ViewErrorBag);
    }
}
