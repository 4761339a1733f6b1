@extends('layouts.app')
@section('title', 'Salary guide')
@section('content')
<div class="wrap page">
    <header class="page-head"><h1>Salary guide</h1><p>Figures and paper for the next conversation about money. Free, for everybody with an account.</p></header>
    <div class="files">
        @foreach ($files as $file)
            <article class="box file">
                <img src="{{ built(Str::endsWith($file['name'], '.pdf') ? 'images/file-pdf.svg' : 'images/file-csv.svg') }}" width="56" height="56" alt="">
                <div>
                    <h3>{{ $file['title'] }}</h3>
                    <p>{{ $file['about'] }} <span class="small">{{ strtoupper(pathinfo($file['name'], PATHINFO_EXTENSION)) }}, {{ $file['bytes'] < 1e6 ? ceil($file['bytes'] / 1e3).' kB' : round($file['bytes'] / 1e6, 1).' MB' }}</span></p>
                </div>
                <a class="button {{ Auth::check() ? '' : 'button-quiet' }}" href="/downloads/{{ $file['name'] }}" data-test="download">{{ Auth::check() ? 'Download' : 'Log in to download' }}</a>
            </article>
        @endforeach
    </div>
</div>
@endsection
