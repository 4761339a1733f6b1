<article class="box row" data-test="job-row">
    @include('partials.logo', ['employer' => $position->employer, 'lazy' => true])
    <div>
        <h3><a class="card-link" href="/jobs/{{ $position->slug }}">{{ $position->title }}</a></h3>
        <p class="row-meta">{{ $position->employer->name }} · {{ $position->location }} · {{ $position->scheduleLabel() }}</p>
    </div>
    <p class="row-side"><span class="salary">{{ $position->salaryLabel() ?? 'Pay on request' }}</span> <span>{{ $position->ageLabel() }}</span></p>
    @if ($position->tags->isNotEmpty())
        @include('partials.chips', ['tags' => $position->tags])
    @endif
    @isset($removable)
        <form class="row-actions above" method="post" action="/jobs/{{ $position->slug }}" data-confirm="Take this job down?">
            @csrf @method('delete')
            <button class="button button-bad" type="submit">Take down</button>
        </form>
    @endisset
</article>
