@extends('layouts.app')
@section('title', $employer->name)
@section('description', $employer->tagline ?? $employer->name)
@section('content')
<div class="wrap page">
    <nav class="crumbs" aria-label="Breadcrumb"><a href="/employers">Employers</a> <span aria-hidden="true">/</span> <span>{{ $employer->name }}</span></nav>
    <header class="job-head">
        @include('partials.logo', ['employer' => $employer, 'size' => 'large'])
        <div>
            <h1>{{ $employer->name }}</h1>
            <p>{{ implode(' · ', array_filter([rtrim((string) $employer->tagline, '.'), $employer->city])) }}</p>
        </div>
    </header>
    @if ($employer->about)<div class="prose"><p>{{ $employer->about }}</p></div>@endif
    <section class="section">
        <div class="section-head"><h2>Open positions</h2></div>
        @if ($positions->isEmpty())
            <p class="muted">Nothing open at the moment.</p>
        @endif
        <div class="grid">
            @foreach ($positions as $position)
                @include('partials.card')
            @endforeach
        </div>
    </section>
</div>
@endsection
