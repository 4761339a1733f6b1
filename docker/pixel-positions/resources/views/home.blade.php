@extends('layouts.app')
@section('content')
<section class="hero">
    <div class="wrap">
        <div>
            <h1>Good work, down to the <em>pixel.</em></h1>
            <p class="hero-lead">A small board for people who care about the details. Every listing names its pay, and nobody needs an account to look around.</p>
            <form class="hero-search" action="/search" role="search" data-test="search-form">
                <label class="sr-only" for="q">Search jobs</label>
                <input class="input" id="q" name="q" type="search" maxlength="80" placeholder="Title, skill, company or city">
                <button class="button button-gold" type="submit">Search</button>
            </form>
            <div class="chips hero-tags">
                <span>Often asked for:</span>
                @foreach ($tags->take(6) as $tag)
                    <a class="chip" href="/tags/{{ $tag->slug }}">{{ $tag->name }}</a>
                @endforeach
            </div>
        </div>
        <aside class="box ticker" id="ticker" data-ticker="/events?count=6&amp;interval=1200&amp;follow=8" data-test="ticker" aria-label="Latest jobs">
            <p class="ticker-head">On the board <span class="ticker-state" data-ticker-state data-state="idle" aria-live="off">latest</span></p>
            <div class="ticker-list" data-ticker-list>
                @foreach ($recent->take(6) as $position)
                    <a class="ticker-item" href="/jobs/{{ $position->slug }}" data-id="{{ $position->id }}">
                        @include('partials.logo', ['employer' => $position->employer, 'size' => 'small'])
                        <span><strong>{{ $position->title }}</strong> <small>{{ $position->employer->name }} · {{ $position->salaryLabel() }}</small></span>
                    </a>
                @endforeach
            </div>
        </aside>
    </div>
</section>

<div class="figures-band">
    <div class="wrap">
        <dl>
            <div><dt>open positions</dt><dd>{{ $openings }}</dd></div>
            <div><dt>employers</dt><dd>{{ $employers }}</dd></div>
            <div><dt>fully remote</dt><dd>{{ $remote }}</dd></div>
        </dl>
    </div>
</div>

<div class="wrap page">
    <section class="section" id="featured">
        <div class="section-head"><h2>Featured jobs</h2><a href="/search">See all {{ $openings }}</a></div>
        <div class="grid">
            @foreach ($featured as $position)
                @include('partials.card')
            @endforeach
        </div>
    </section>

    <div class="columns section">
        <section id="recent">
            <div class="section-head"><h2>Recent jobs</h2></div>
            <div class="rows">
                @forelse ($recent as $position)
                    @include('partials.row')
                @empty
                    <p class="muted">The board is empty. Be the first to post.</p>
                @endforelse
            </div>
        </section>

        <div class="aside">
            <section>
                <h2>Browse by tag</h2>
                <ul class="chips">
                    @foreach ($tags as $tag)
                        <li><a class="chip" href="/tags/{{ $tag->slug }}">{{ $tag->name }}<span class="count">{{ $tag->positions_count }}</span></a></li>
                    @endforeach
                </ul>
            </section>
            <section class="box cta">
                <h2>Hiring?</h2>
                <p>Three minutes, one form, and your opening stands where the careful people look.</p>
                <a class="button button-gold" href="/jobs/create">Post a job</a>
            </section>
            <section>
                <h2>Know your worth</h2>
                <p class="muted small">Our salary guide lists the median pay of thirty roles in eight countries. <a href="/downloads">Get the guide</a></p>
            </section>
        </div>
    </div>
</div>
@endsection
