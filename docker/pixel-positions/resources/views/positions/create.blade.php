@extends('layouts.app')
@section('title', 'Post a job')
@section('content')
<div class="wrap page">
    <header class="page-head"><h1>Post a job</h1><p>It goes on the board at once. Say what the days are like and what you pay; the rest follows.</p></header>
    <div class="columns">
        <form class="box form" method="post" action="/jobs" enctype="multipart/form-data" data-test="job-form">
            @csrf
            @if ($errors->any())
                <div class="box error-box" role="alert">Some entries need another look.</div>
            @endif
            @include('partials.input', ['name' => 'title', 'label' => 'Job title', 'max' => 120, 'placeholder' => 'Senior Lighthouse Keeper', 'autofocus' => true])
            <div class="pair">
                @foreach (['workplace' => ['Workplace', App\Models\Position::WORKPLACES], 'schedule' => ['Schedule', App\Models\Position::SCHEDULES]] as $name => [$label, $options])
                    <div class="field">
                        <label for="{{ $name }}">{{ $label }}</label>
                        <select class="input" id="{{ $name }}" name="{{ $name }}" @error($name) aria-invalid="true" aria-describedby="{{ $name }}-error" @enderror>
                            @foreach ($options as $value => $text)
                                <option value="{{ $value }}" @if (old($name) === $value) selected @endif>{{ $text }}</option>
                            @endforeach
                        </select>
                        @include('partials.error')
                    </div>
                @endforeach
            </div>
            <div class="field">
                <label for="location">Location</label>
                <input class="input" id="location" name="location" value="{{ old('location', $employer->city) }}" maxlength="120" required @error('location') aria-invalid="true" aria-describedby="location-error" @enderror>
                @include('partials.error', ['name' => 'location'])
            </div>
            <div class="triple">
                <div class="field">
                    <label for="currency">Currency</label>
                    <select class="input" id="currency" name="currency">
                        @foreach (App\Models\Position::CURRENCIES as $code => $sign)
                            <option @if (old('currency') === $code) selected @endif>{{ $code }}</option>
                        @endforeach
                    </select>
                </div>
                @include('partials.input', ['name' => 'salary_min', 'label' => 'Yearly pay from', 'required' => false, 'inputmode' => 'numeric', 'placeholder' => '48000'])
                @include('partials.input', ['name' => 'salary_max', 'label' => 'Yearly pay up to', 'required' => false, 'inputmode' => 'numeric', 'placeholder' => '60000'])
            </div>
            @include('partials.input', ['name' => 'summary', 'label' => 'In one sentence', 'max' => 240, 'placeholder' => 'Keep a very bright lamp burning and write about the sea.', 'hint' => 'Shown on the card, so make it the sentence you would say out loud.'])
            <div class="field">
                <label for="description">Description</label>
                <textarea class="input" id="description" name="description" rows="9" maxlength="10000" required @error('description') aria-invalid="true" aria-describedby="description-error" @enderror>{{ old('description') }}</textarea>
                <p class="hint">Plain text. An empty line starts a paragraph, “## ” a heading and “- ” a list item.</p>
                @include('partials.error', ['name' => 'description'])
            </div>
            @include('partials.input', ['name' => 'tags', 'label' => 'Tags', 'required' => false, 'max' => 200, 'placeholder' => 'php, laravel, remote first', 'hint' => 'Up to five, separated by commas.'])
            @include('partials.input', ['name' => 'apply_url', 'label' => 'Where to apply', 'type' => 'url', 'required' => false, 'max' => 250, 'placeholder' => 'https://'])
            <div class="field">
                <label for="logo">Company logo</label>
                <div class="upload">
                    @include('partials.logo', ['employer' => $employer, 'size' => 'large', 'id' => 'logo-preview'])
                    <input id="logo" name="logo" type="file" accept="image/png,image/jpeg,image/webp,image/gif" data-preview="#logo-preview" @error('logo') aria-invalid="true" aria-describedby="logo-error" @enderror>
                </div>
                <p class="hint">PNG, JPEG, WebP or GIF, up to 2 MB. Leave it empty to keep the current one.</p>
                @include('partials.error', ['name' => 'logo'])
            </div>
            <label class="check"><input type="checkbox" name="featured" value="1" @if (old('featured')) checked @endif> <span>Feature this job on the front page</span></label>
            <div class="form-foot"><button class="button" type="submit" id="submit-job">Publish job</button> <span class="hint">You get a notification once it is live.</span></div>
        </form>
        <aside class="aside">
            <section class="box cta">
                <h2>What works</h2>
                <p>Name the pay: people who know it write, people who must guess do not. A first sentence with a verb in it helps almost as much.</p>
            </section>
            <p class="small muted">Posting as <b>{{ $employer->name }}</b>. <a href="/account">Your listings</a></p>
        </aside>
    </div>
</div>
@endsection
