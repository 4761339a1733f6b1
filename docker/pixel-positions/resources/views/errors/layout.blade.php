@extends('layouts.app', ['plain' => $exception->getStatusCode() >= 500])
@section('title', trim($__env->yieldContent('headline')))
@section('content')
<section class="hero">
    <div class="oops wrap" data-test="error-page">
        <p class="code" aria-hidden="true">{{ $exception->getStatusCode() }}</p>
        <h1>@yield('headline')</h1>
        <p>@yield('advice')</p>
        <a class="button button-gold" href="/">Back to the board</a>
    </div>
</section>
@endsection
