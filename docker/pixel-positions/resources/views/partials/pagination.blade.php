@if ($paginator->hasPages())
<nav class="pages" aria-label="Pages" data-test="pagination">
    @if ($paginator->onFirstPage())<span class="off">← Back</span>@else<a href="{{ $paginator->previousPageUrl() }}" rel="prev">← Back</a>@endif
    @foreach ($elements as $element)
        @if (is_string($element))
            <span class="off">{{ $element }}</span>
        @else
            @foreach ($element as $page => $url)
                @if ($page === $paginator->currentPage())<span aria-current="page">{{ $page }}</span>@else<a href="{{ $url }}">{{ $page }}</a>@endif
            @endforeach
        @endif
    @endforeach
    @if ($paginator->hasMorePages())<a href="{{ $paginator->nextPageUrl() }}" rel="next">Next →</a>@else<span class="off">Next →</span>@endif
</nav>
@endif
