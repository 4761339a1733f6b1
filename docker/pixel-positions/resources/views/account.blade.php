@extends('layouts.app')
@section('title', 'Your listings')
@section('content')
<div class="wrap page">
    @if ($employer)
        <header class="job-head page-head">
            @include('partials.logo', ['employer' => $employer, 'size' => 'large'])
            <div><h1>{{ $employer->name }}</h1><p>{{ implode(' · ', array_filter([rtrim((string) $employer->tagline, '.'), $employer->city])) }}</p></div>
        </header>
    @endif
    <div class="section-head"><h2>Your listings</h2><a class="button" href="/jobs/create">Post a job</a></div>
    @if ($positions->isEmpty())
        <div class="box empty" data-test="empty">
            <img src="{{ built('images/empty.svg') }}" width="96" height="96" alt="">
            <h2>No listings yet</h2>
            <p>Once you post a job it shows up here, and you can take it down again whenever the right person is found.</p>
        </div>
    @else
        <div class="rows">
            @foreach ($positions as $position)
                @include('partials.row', ['removable' => true])
            @endforeach
        </div>
        {{ $positions->links() }}
    @endif
</div>
@endsection
