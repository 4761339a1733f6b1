@extends('layouts.app')
@section('title', 'Tags')
@section('content')
<div class="wrap page">
    <header class="page-head"><h1>Tags</h1><p>Every skill and subject somebody is hiring for today.</p></header>
    <ul class="chips chips-large">
        @foreach ($tags as $tag)
            <li><a class="chip" href="/tags/{{ $tag->slug }}">{{ $tag->name }}<span class="count">{{ $tag->positions_count }}</span></a></li>
        @endforeach
    </ul>
</div>
@endsection
