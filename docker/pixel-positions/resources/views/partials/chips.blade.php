<ul class="chips" aria-label="Tags">
    @foreach ($tags as $tag)
        <li><a class="chip" href="/tags/{{ $tag->slug }}">{{ $tag->name }}</a></li>
    @endforeach
</ul>
