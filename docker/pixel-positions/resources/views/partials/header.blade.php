@php($user = ($plain ?? false) ? null : Auth::user())
<header class="site-head">
    <div class="wrap">
        <a class="brand" href="/"><img src="{{ built('images/mark.svg') }}" width="36" height="36" alt=""> Pixel Positions</a>
        <button class="menu-button" type="button" data-menu aria-controls="nav" aria-expanded="false">Menu</button>
        <nav class="nav" id="nav" aria-label="Main">
            @foreach (['/search' => 'Jobs', '/tags' => 'Tags', '/employers' => 'Employers', '/downloads' => 'Salary guide'] as $path => $label)
                <a href="{{ $path }}" @if (request()->is(ltrim($path, '/'), ltrim($path, '/').'/*')) aria-current="page" @endif>{{ $label }}</a>
            @endforeach
            <div class="nav-end">
                @if ($user)
                    @php($unread = $user->unreadNotifications()->count())
                    <a class="bell" href="/notifications" id="bell" data-test="bell" aria-label="Notifications, {{ $unread }} unread">
                        <svg viewBox="0 0 11 11" shape-rendering="crispEdges" fill="currentColor" aria-hidden="true"><path d="M5 0h1v1H5zM4 1h3v1H4zM3 2h5v1H3zM2 3h7v4H2zM1 7h9v1H1zM0 8h11v1H0zM4 10h3v1H4z"/></svg>
                        @if ($unread)<span class="badge" data-test="unread">{{ $unread }}</span>@endif
                    </a>
                    <a href="/account" data-test="account">{{ Str::limit($user->name, 18) }}</a>
                    <form method="post" action="/logout" data-test="logout">@csrf <button class="link" type="submit">Log out</button></form>
                @else
                    <a href="/login" data-test="login">Log in</a>
                    <a href="/register" data-test="register">Register</a>
                @endif
                <a class="button button-gold" href="/jobs/create" data-test="post-job">Post a job</a>
            </div>
        </nav>
    </div>
</header>
