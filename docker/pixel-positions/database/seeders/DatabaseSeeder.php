<?php

namespace Database\Seeders;

use App\Models\Employer;
use App\Models\Position;
use App\Models\Tag;
use App\Models\User;
use Illuminate\Database\Seeder;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Hash;
use Illuminate\Support\Facades\Storage;
use Illuminate\Support\Str;

/** Fills an empty board; run twice on two machines it makes the same board. */
class DatabaseSeeder extends Seeder
{
    /** These keep their logo on the public disk, as an upload would. */
    private const UPLOADED = ['lumen-ferry', 'kettle-and-byte', 'brightmoth-games', 'wren-and-wilder'];

    /** Every seventh job is featured. */
    private const FEATURED_EVERY = 7;

    private array $families;

    private string $password;

    public function run(): void
    {
        $this->families = require __DIR__.'/data/families.php';
        $this->password = Hash::make('password');

        DB::transaction(function (): void {
            $queue = [];

            foreach (require __DIR__.'/data/employers.php' as $number => $row) {
                $employer = $this->employer($number, $row);

                foreach ($row[5] as $round => $job) {
                    $queue[$round * 100 + ($number * 7) % 24] = [$employer, $row, $job];
                }
            }

            krsort($queue);
            $this->positions(array_values($queue));
        });
    }

    private function employer(int $number, array $row): Employer
    {
        [$name, $slug, $city, , $tagline] = $row;

        // The first account is the one the README names.
        $user = User::create([
            'name' => $number === 0 ? 'Demo Person' : $name.' Hiring',
            'email' => $number === 0 ? 'demo@pixel.test' : "jobs@{$slug}.test",
            'password' => $this->password,
        ]);

        return $user->employer()->create([
            'name' => $name,
            'slug' => $slug,
            'city' => $city,
            'tagline' => $tagline,
            'about' => $this->about($number, $name, $city),
            'website' => "https://{$slug}.test",
            'logo' => $this->logo($slug),
        ]);
    }

    private function about(int $number, string $name, string $city): string
    {
        $town = Str::before($city, ',');
        $size = [9, 14, 22, 31, 46, 60][$number % 6];

        return [
            "{$name} is a team of {$size} in {$town}. We ship every week, we write things down, and on Fridays nobody books a meeting after lunch.",
            "We started {$name} at a kitchen table in {$town} and kept the table. Today {$size} of us work around it, or call in from wherever the trains are better.",
            "{$size} people, one product, no open-plan bell to ring. {$name} is owned by those who work in it and intends to be around for a long time.",
            "From {$town}, {$name} serves customers in twelve countries with {$size} colleagues. Salaries are public inside the team and so are the mistakes.",
        ][$number % 4];
    }

    private function logo(string $slug): string
    {
        if (! in_array($slug, self::UPLOADED, true)) {
            return "images/logos/{$slug}.svg";
        }

        Storage::disk('public')->put("logos/{$slug}.png", file_get_contents(__DIR__."/data/logos/{$slug}.png"));

        return "logos/{$slug}.png";
    }

    /** Oldest first, so that ids grow with the date. */
    private function positions(array $queue): void
    {
        $total = count($queue);

        foreach ($queue as $index => [$employer, $row, $job]) {
            [$title, $family, $workplace, $schedule, $low, $high, $tags, $summary] = $job;
            $left = $total - 1 - $index;
            $posted = now()->startOfHour()->subHours($left * 9 + intdiv($left * $left, 12));

            $position = new Position([
                'employer_id' => $employer->id,
                'title' => $title,
                'slug' => Str::slug($title).'-'.(1000 + $index),
                'location' => $workplace === 'remote' ? 'Europe, remote' : $row[2],
                'workplace' => $workplace,
                'schedule' => $schedule,
                'salary_min' => $low,
                'salary_max' => $high,
                'currency' => $row[3],
                'summary' => $summary,
                'description' => $this->description($employer, $family, $summary, $schedule),
                'apply_url' => $employer->website.'/jobs',
                'featured' => $left % self::FEATURED_EVERY === 3,
            ]);
            $position->created_at = $position->updated_at = $posted;
            $position->save();
            $position->tags()->sync(Tag::idsFromList($tags));
        }
    }

    private function description(Employer $employer, string $family, string $summary, string $schedule): string
    {
        $list = static fn (array $lines): string => '- '.implode("\n- ", $lines);
        $texts = $this->families[$family];
        $hours = [
            'full-time' => 'A full week here is 36 hours, and we mean it.',
            'part-time' => 'Twenty hours a week, spread the way your life needs them.',
            'contract' => 'A nine-month contract to begin with, extended if both of us like it.',
        ][$schedule];

        return implode("\n\n", [
            $summary,
            $employer->about,
            "## What you will do\n\n".$list($texts['days']),
            "## What helps",
            $list($texts['helps']),
            "## What we offer",
            $list([$hours, 'Thirty days of holiday and a desk budget you spend as you see fit', 'A hiring process of two conversations and one paid trial day', 'Pay as stated above, reviewed every spring with everybody’s figures on the table']),
            'You do not meet every line? Write to us all the same. Lists like these are wishes, and people are more interesting than lists.',
        ]);
    }
}
