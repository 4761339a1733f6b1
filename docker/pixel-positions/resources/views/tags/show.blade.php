@extends('layouts.app')
@section('title', 'Jobs tagged '.$tag->name)
@section('content')
<div class="wrap page">
    <nav class="crumbs" aria-label="Breadcrumb"><a href="/tags">Tags</a> <span aria-hidden="true">/</span> <span>{{ $tag->name }}</span></nav>
    <header class="page-head">
        <h1>#{{ $tag->name }}</h1>
        <p data-test="result-count">{{ $positions->total() }} {{ Str::plural('job', $positions->total()) }} with this tag, newest first.</p>
    </header>
    <div class="grid">
        @foreach ($positions as $position)
            @include('partials.card')
        @endforeach
    </div>
    {{ $positions->links() }}
</div>
@endsection
