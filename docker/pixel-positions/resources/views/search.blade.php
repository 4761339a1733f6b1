@extends('layouts.app')
@section('title', $words === '' ? 'All jobs' : 'Jobs for “'.$words.'”')
@section('content')
<div class="wrap page">
    <header class="page-head">
        <h1>@if ($words === '') All jobs @else Jobs for “{{ $words }}” @endif</h1>
    </header>
    <form action="/search" role="search" data-auto data-test="search-form">
        <div class="search-bar">
            <label class="sr-only" for="q">Search jobs</label>
            <input class="input" id="q" name="q" type="search" value="{{ $words }}" maxlength="80" placeholder="Title, skill, company or city">
            <button class="button" type="submit">Search</button>
        </div>
        <div class="columns columns-left">
            <aside class="filters" aria-label="Filters">
                @foreach (['workplace' => ['Workplace', App\Models\Position::WORKPLACES, $workplace], 'schedule' => ['Schedule', App\Models\Position::SCHEDULES, $schedule]] as $name => [$legend, $options, $chosen])
                    <fieldset>
                        <legend class="legend">{{ $legend }}</legend>
                        <div class="choices">
                            <label class="check"><input type="radio" name="{{ $name }}" value="" @if (! $chosen) checked @endif> Any</label>
                            @foreach ($options as $value => $label)
                                <label class="check"><input type="radio" name="{{ $name }}" value="{{ $value }}" @if ($chosen === $value) checked @endif> {{ $label }}</label>
                            @endforeach
                        </div>
                    </fieldset>
                @endforeach
                <div class="extra">
                    <p class="legend">Popular tags</p>
                    <ul class="chips">
                        @foreach ($suggestions as $tag)
                            <li><a class="chip" href="/tags/{{ $tag->slug }}">{{ $tag->name }}</a></li>
                        @endforeach
                    </ul>
                </div>
            </aside>
            <section aria-label="Results">
                @if ($positions->isEmpty())
                    <div class="box empty" data-test="empty">
                        <img src="{{ built('images/empty.svg') }}" width="96" height="96" alt="">
                        <h2>Nothing here yet</h2>
                        <p>No job matches all of that. Try fewer words, another city, or take a filter away.</p>
                        <a class="button button-quiet" href="/search">Show all jobs</a>
                    </div>
                @else
                    <p class="result-count" data-test="result-count"><b>{{ $positions->total() }}</b> {{ Str::plural('job', $positions->total()) }}, newest first</p>
                    <div class="rows">
                        @foreach ($positions as $position)
                            @include('partials.row')
                        @endforeach
                    </div>
                    {{ $positions->links() }}
                @endif
            </section>
        </div>
    </form>
</div>
@endsection
