@extends('layouts.app')
@section('title', $position->title.' at '.$position->employer->name)
@section('description', $position->summary)
@section('content')
<div class="wrap page">
    <nav class="crumbs" aria-label="Breadcrumb"><a href="/search">Jobs</a> <span aria-hidden="true">/</span> <span>{{ $position->title }}</span></nav>
    <div class="columns">
        <article data-test="job">
            <header class="job-head">
                @include('partials.logo', ['employer' => $position->employer, 'size' => 'large'])
                <div>
                    <h1>{{ $position->title }}</h1>
                    <p><a href="/employers/{{ $position->employer->slug }}">{{ $position->employer->name }}</a> · {{ $position->location }}</p>
                </div>
            </header>
            <div class="prose">
                @foreach ($position->descriptionBlocks() as $block)
                    @if ($block['kind'] === 'heading')
                        <h2>{{ $block['text'] }}</h2>
                    @elseif ($block['kind'] === 'list')
                        <ul>
                            @foreach ($block['items'] as $item)
                                <li>{{ $item }}</li>
                            @endforeach
                        </ul>
                    @else
                        <p>{!! nl2br(e($block['text'])) !!}</p>
                    @endif
                @endforeach
            </div>
        </article>
        <aside class="stack sticky">
            <div class="box stack">
                <dl class="facts">
                    <div><dt>Pay</dt><dd class="salary">{{ $position->salaryLabel() ?? 'On request' }}</dd></div>
                    <div><dt>Workplace</dt><dd>{{ $position->workplaceLabel() }}</dd></div>
                    <div><dt>Schedule</dt><dd>{{ $position->scheduleLabel() }}</dd></div>
                    <div><dt>Posted</dt><dd>{{ $position->ageLabel() }}</dd></div>
                </dl>
                @include('partials.chips', ['tags' => $position->tags])
                @if ($position->apply_url)
                    <a class="button button-wide" href="{{ $position->apply_url }}" rel="nofollow noopener" data-test="apply">Apply for this job</a>
                @endif
            </div>
            @if ($position->employer->tagline)
                <p class="small muted"><b>{{ $position->employer->name }}</b><br>{{ $position->employer->tagline }}</p>
            @endif
        </aside>
    </div>
    @if ($others->isNotEmpty())
        <section class="section">
            <div class="section-head"><h2>You may also like</h2></div>
            <div class="grid">
                @foreach ($others as $position)
                    @include('partials.card')
                @endforeach
            </div>
        </section>
    @endif
</div>
@endsection
