@extends('layouts.app')
@section('title', 'Log in')
@section('content')
<div class="wrap page auth">
    <form class="box form form-narrow" method="post" action="/login" data-test="login-form">
        @csrf
        <h1>Log in</h1>
        @include('partials.input', ['name' => 'email', 'label' => 'Email', 'type' => 'email', 'autocomplete' => 'username', 'autofocus' => true])
        @include('partials.input', ['name' => 'password', 'label' => 'Password', 'type' => 'password', 'autocomplete' => 'current-password'])
        <label class="check"><input type="checkbox" name="remember" value="1"> <span>Keep me logged in on this device</span></label>
        <div class="form-foot"><button class="button" type="submit" id="submit-login">Log in</button> <span class="small">New here? <a href="/register">Register</a></span></div>
    </form>
    <aside class="box auth-art">
        <p>Somebody left the light on for you.</p>
        <small>Log in to post jobs, read your notifications and fetch the salary guide.</small>
    </aside>
</div>
@endsection
