<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\HasMany;
use Illuminate\Http\UploadedFile;
use Illuminate\Support\Facades\Storage;
use Illuminate\Support\Str;

class Employer extends Model
{
    protected $fillable = ['name', 'slug', 'tagline', 'about', 'city', 'website', 'logo'];

    public function user(): BelongsTo
    {
        return $this->belongsTo(User::class);
    }

    public function positions(): HasMany
    {
        return $this->hasMany(Position::class);
    }

    /** A slug nobody else has, from a name somebody else may have. */
    public static function freeSlug(string $name): string
    {
        $base = Str::slug($name) ?: 'employer';
        $slug = $base;

        for ($n = 2; self::where('slug', $slug)->exists(); $n++) {
            $slug = $base.'-'.$n;
        }

        return $slug;
    }

    /** Logos shipped with the application are built assets; the rest are uploads. */
    public function logoUrl(): ?string
    {
        if ($this->logo === null) {
            return null;
        }

        return Str::startsWith($this->logo, 'images/') ? built($this->logo) : '/storage/'.$this->logo;
    }

    /** Stores an upload under a random name and forgets the previous one. */
    public function replaceLogo(UploadedFile $file): void
    {
        $previous = $this->logo;

        $this->update(['logo' => $file->store('logos', 'public')]);

        if ($previous !== null && ! Str::startsWith($previous, 'images/')) {
            Storage::disk('public')->delete($previous);
        }
    }

    /** One of the six tile colours a logoless employer is drawn in. */
    public function tileNumber(): int
    {
        return crc32($this->name) % 6;
    }
}
