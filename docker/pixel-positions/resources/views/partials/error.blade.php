@error($name)<p class="error" id="{{ $name }}-error" data-test="error">{{ $message }}</p>@enderror
