@extends('layouts.app')
@section('title', 'Notifications')
@section('content')
<div class="wrap page">
    <header class="section-head">
        <h1>Notifications</h1>
        @if ($notifications->contains(fn ($note) => $note->unread()))
            <form method="post" action="/notifications/read">@csrf <button class="button button-quiet" type="submit" data-test="mark-read">Mark all as read</button></form>
        @endif
    </header>
    @if ($notifications->isEmpty())
        <div class="box empty" data-test="empty">
            <img src="{{ built('images/empty.svg') }}" width="96" height="96" alt="">
            <h2>All quiet</h2>
            <p>When one of your jobs goes live, the news appears here.</p>
            <a class="button" href="/jobs/create">Post a job</a>
        </div>
    @else
        <div class="notes">
            @foreach ($notifications as $note)
                <article class="box note {{ $note->unread() ? 'unread' : '' }}" data-test="notification">
                    <div>
                        <h3><a class="card-link" href="{{ $note->data['url'] }}">{{ $note->data['title'] }}</a></h3>
                        <p>{{ $note->data['message'] }}</p>
                    </div>
                    <time datetime="{{ $note->created_at->toIso8601String() }}">{{ $note->created_at->diffForHumans() }}</time>
                </article>
            @endforeach
        </div>
        {{ $notifications->links() }}
    @endif
</div>
@endsection
