<article class="box card" data-test="job-card">
    <div class="card-head">
        @include('partials.logo', ['employer' => $position->employer])
        <p><b>{{ $position->employer->name }}</b> <span class="muted">{{ $position->location }}</span></p>
        @if ($position->isFresh())<span class="chip chip-new">new</span>@endif
    </div>
    <h3><a class="card-link" href="/jobs/{{ $position->slug }}">{{ $position->title }}</a></h3>
    <p class="summary">{{ $position->summary }}</p>
    @include('partials.chips', ['tags' => $position->tags])
    <p class="card-foot">
        <span class="salary">{{ $position->salaryLabel() ?? 'Pay on request' }}</span>
        <span>{{ $position->workplaceLabel() }} · {{ $position->scheduleLabel() }}</span>
    </p>
</article>
