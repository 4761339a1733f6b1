<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Builder;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Support\Str;

class Position extends Model
{
    public const WORKPLACES = ['remote' => 'Remote', 'hybrid' => 'Hybrid', 'on-site' => 'On site'];

    public const SCHEDULES = ['full-time' => 'Full time', 'part-time' => 'Part time', 'contract' => 'Contract'];

    public const CURRENCIES = ['EUR' => '€', 'GBP' => '£', 'USD' => '$', 'CHF' => 'CHF ', 'SEK' => 'SEK '];

    protected $guarded = [];

    protected $casts = ['featured' => 'boolean'];

    public function employer(): BelongsTo
    {
        return $this->belongsTo(Employer::class);
    }

    public function tags(): BelongsToMany
    {
        return $this->belongsToMany(Tag::class)->orderBy('tags.name');
    }

    /** What a card shows, in three queries however many cards there are. */
    public function scopeForCards(Builder $query): void
    {
        $query->with([
            'employer:id,name,slug,logo,city',
            'tags:tags.id,tags.name,tags.slug',
        ])->latest()->latest('id');
    }

    /** Every word must occur in the title, the summary, the place, the employer or a tag. */
    public function scopeMatching(Builder $query, string $words): void
    {
        foreach (preg_split('/\s+/', $words, 6, PREG_SPLIT_NO_EMPTY) as $word) {
            $pattern = '%'.strtr(mb_strtolower($word), ['!' => '!!', '%' => '!%', '_' => '!_']).'%';
            $like = static fn (string $column): string => "lower({$column}) like ? escape '!'";

            $query->where(fn (Builder $any) => $any
                ->whereRaw($like('positions.title'), [$pattern])
                ->orWhereRaw($like('positions.summary'), [$pattern])
                ->orWhereRaw($like('positions.location'), [$pattern])
                ->orWhereHas('employer', fn ($employer) => $employer->whereRaw($like('employers.name'), [$pattern]))
                ->orWhereHas('tags', fn ($tag) => $tag->whereRaw($like('tags.name'), [$pattern])));
        }
    }

    /** Always ends in digits, which the route relies on. */
    public static function freeSlug(string $title): string
    {
        do {
            $slug = (Str::slug($title) ?: 'job').'-'.random_int(100000, 999999);
        } while (self::where('slug', $slug)->exists());

        return $slug;
    }

    public function workplaceLabel(): string
    {
        return self::WORKPLACES[$this->workplace] ?? $this->workplace;
    }

    public function scheduleLabel(): string
    {
        return self::SCHEDULES[$this->schedule] ?? $this->schedule;
    }

    /** “€58k–72k”, or null when the employer named no figure. */
    public function salaryLabel(): ?string
    {
        $sign = self::CURRENCIES[$this->currency] ?? $this->currency.' ';
        $short = static fn (int $sum): string => $sum >= 10000 ? round($sum / 1000).'k' : number_format($sum);

        if ($this->salary_min && $this->salary_max && $this->salary_min != $this->salary_max) {
            return $sign.$short($this->salary_min).'–'.$short($this->salary_max);
        }

        $only = $this->salary_min ?: $this->salary_max;

        return $only ? $sign.$short($only) : null;
    }

    /** “today”, “3 days ago”: the age in the coarsest unit that fits. */
    public function ageLabel(): string
    {
        $days = intdiv($this->ageInSeconds(), 86400);

        if ($days === 0) {
            return 'today';
        }

        [$count, $unit] = $days < 7 ? [$days, 'day'] : ($days < 60 ? [intdiv($days, 7), 'week'] : [intdiv($days, 30), 'month']);

        return $count.' '.$unit.($count === 1 ? '' : 's').' ago';
    }

    public function isFresh(): bool
    {
        return $this->ageInSeconds() < 3 * 86400;
    }

    /** Read from the column: a date object per card would cost more than the card. */
    private function ageInSeconds(): int
    {
        return max(0, time() - (int) strtotime($this->attributes['created_at'].' UTC'));
    }

    /**
     * The description cut into blocks: `## ` opens a heading, `- ` a list item,
     * anything else is a paragraph.
     *
     * @return list<array{kind: string, text?: string, items?: list<string>}>
     */
    public function descriptionBlocks(): array
    {
        $blocks = [];

        foreach (preg_split('/\R\s*\R/', trim($this->description)) as $part) {
            $lines = preg_split('/\R/', trim($part));

            if (Str::startsWith($lines[0], '## ')) {
                $blocks[] = ['kind' => 'heading', 'text' => substr(array_shift($lines), 3)];
            }

            $items = array_filter($lines, fn (string $line): bool => Str::startsWith($line, '- '));

            if ($lines !== [] && count($items) === count($lines)) {
                $blocks[] = ['kind' => 'list', 'items' => array_map(fn ($line) => substr($line, 2), array_values($items))];
            } elseif ($lines !== []) {
                $blocks[] = ['kind' => 'text', 'text' => implode("\n", $lines)];
            }
        }

        return $blocks;
    }
}
