@extends('layouts.app')
@section('title', 'Employers')
@section('content')
<div class="wrap page">
    <header class="page-head"><h1>Employers</h1><p>The teams behind the listings, and how many openings each has.</p></header>
    <div class="grid">
        @foreach ($employers as $employer)
            <article class="box employer-card">
                @include('partials.logo', ['employer' => $employer])
                <div>
                    <h3><a class="card-link" href="/employers/{{ $employer->slug }}">{{ $employer->name }}</a></h3>
                    <p>{{ $employer->tagline ?? $employer->city }}</p>
                </div>
                <p class="count"><b>{{ $employer->positions_count }}</b> {{ Str::plural('job', $employer->positions_count) }}</p>
            </article>
        @endforeach
    </div>
    {{ $employers->links() }}
</div>
@endsection
