@extends('layouts.app')
@section('title', 'Register')
@section('content')
<div class="wrap page auth auth-wide">
    <form class="box form" method="post" action="/register" enctype="multipart/form-data" data-test="register-form">
        @csrf
        <h1>Register</h1>
        <div class="pair">
            @include('partials.input', ['name' => 'name', 'label' => 'Your name', 'autocomplete' => 'name', 'max' => 120, 'autofocus' => true])
            @include('partials.input', ['name' => 'email', 'label' => 'Email', 'type' => 'email', 'autocomplete' => 'username', 'max' => 190])
            @include('partials.input', ['name' => 'password', 'label' => 'Password', 'type' => 'password', 'autocomplete' => 'new-password', 'hint' => 'At least eight characters.'])
            @include('partials.input', ['name' => 'password_confirmation', 'label' => 'Password again', 'type' => 'password', 'autocomplete' => 'new-password'])
            @include('partials.input', ['name' => 'company', 'label' => 'Company', 'autocomplete' => 'organization', 'max' => 120])
            @include('partials.input', ['name' => 'city', 'label' => 'City', 'required' => false, 'max' => 120, 'placeholder' => 'Ghent, Belgium'])
        </div>
        @include('partials.input', ['name' => 'tagline', 'label' => 'What you do, in a few words', 'required' => false, 'max' => 200, 'placeholder' => 'Timetables for island ferries.'])
        <div class="field">
            <label for="logo">Logo</label>
            <div class="upload"><span id="logo-preview"></span><input id="logo" name="logo" type="file" accept="image/png,image/jpeg,image/webp,image/gif" data-preview="#logo-preview" @error('logo') aria-invalid="true" aria-describedby="logo-error" @enderror></div>
            <p class="hint">Optional. PNG, JPEG, WebP or GIF, up to 2 MB.</p>
            @include('partials.error', ['name' => 'logo'])
        </div>
        <div class="form-foot"><button class="button" type="submit" id="submit-register">Create account</button> <span class="small">Have one already? <a href="/login">Log in</a></span></div>
    </form>
    <aside class="box auth-art">
        <p>One window more in the skyline.</p>
        <small>An account costs nothing. It lets you post jobs and change your mind about them later.</small>
    </aside>
</div>
@endsection
