<div class="field">
    <label for="{{ $name }}">{{ $label }}</label>
    <input class="input" id="{{ $name }}" name="{{ $name }}" type="{{ $type ?? 'text' }}" value="{{ ($type ?? '') === 'password' ? '' : old($name) }}"
        @isset($autocomplete) autocomplete="{{ $autocomplete }}" @endisset @isset($placeholder) placeholder="{{ $placeholder }}" @endisset
        @isset($max) maxlength="{{ $max }}" @endisset @isset($inputmode) inputmode="{{ $inputmode }}" @endisset
        @if ($required ?? true) required @endif @if ($autofocus ?? false) autofocus @endif
        @error($name) aria-invalid="true" aria-describedby="{{ $name }}-error" @enderror>
    @isset($hint)<p class="hint">{{ $hint }}</p>@endisset
    @include('partials.error')
</div>
