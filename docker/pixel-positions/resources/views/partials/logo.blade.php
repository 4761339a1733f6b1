@php($size = $size ?? '')
@if ($url = $employer->logoUrl())
<img class="logo {{ $size ? 'logo-'.$size : '' }}" src="{{ $url }}" width="{{ $pixels = ['small' => 40, 'large' => 88][$size] ?? 56 }}" height="{{ $pixels }}" alt="" @isset($id) id="{{ $id }}" @endisset @isset($lazy) loading="lazy" @endisset>
@else
<span class="logo logo-letter tint-{{ $employer->tileNumber() }} {{ $size ? 'logo-'.$size : '' }}" @isset($id) id="{{ $id }}" @endisset aria-hidden="true">{{ mb_strtoupper(mb_substr($employer->name, 0, 1)) }}</span>
@endif
