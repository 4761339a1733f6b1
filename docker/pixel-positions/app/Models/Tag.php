<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Support\Collection;
use Illuminate\Support\Str;

class Tag extends Model
{
    protected $fillable = ['name', 'slug'];

    public function positions(): BelongsToMany
    {
        return $this->belongsToMany(Position::class);
    }

    /**
     * The ids of the tags in a comma list, created where they are new.
     *
     * @return Collection<int, int>
     */
    public static function idsFromList(string $list): Collection
    {
        return collect(explode(',', $list))
            ->map(fn (string $name): string => Str::limit(Str::lower(self::tidy($name)), 30, ''))
            ->filter(fn (string $name): bool => Str::slug($name) !== '')
            ->unique(fn (string $name): string => Str::slug($name))
            ->take(5)
            ->map(fn (string $name): int => self::firstOrCreate(['slug' => Str::slug($name)], ['name' => $name])->id)
            ->values();
    }

    private static function tidy(string $name): string
    {
        return trim((string) preg_replace('/\s+/u', ' ', $name));
    }
}
