<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>@hasSection('title')@yield('title') · @endif{{ config('app.name') }}</title>
    <meta name="description" content="@yield('description', 'Pixel Positions is a small job board for people who care about details. Every listing names its pay.')">
    <meta name="theme-color" content="#16123f">
    <link rel="preload" href="{{ built('fonts/positions.woff') }}" as="font" type="font/woff" crossorigin>
    <link rel="stylesheet" href="{{ built('css/app.css') }}">
    <link rel="modulepreload" href="{{ built('js/ticker.js') }}">
    <link rel="modulepreload" href="{{ built('js/upload.js') }}">
    <script type="module" src="{{ built('js/app.js') }}"></script>
    <link rel="icon" href="/favicon.ico" sizes="32x32">
    <link rel="icon" href="{{ built('images/mark.svg') }}" type="image/svg+xml">
    <link rel="apple-touch-icon" href="{{ built('images/icon-180.png') }}">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
@include('partials.header')
@if (session('status'))
    <div class="wrap flash-row" data-test="flash">
        <div class="box flash" role="status">
            <span>{{ session('status') }}</span>
            <button type="button" data-dismiss aria-label="Dismiss">x</button>
        </div>
    </div>
@endif
<main id="content">
@yield('content')
</main>
@include('partials.footer')
</body>
</html>
