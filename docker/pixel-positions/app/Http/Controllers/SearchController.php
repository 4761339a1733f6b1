<?php

namespace App\Http\Controllers;

use App\Models\Position;
use App\Models\Tag;
use Illuminate\Http\Request;
use Illuminate\Support\Str;

class SearchController extends Controller
{
    public function __invoke(Request $request)
    {
        $words = $this->words($request);
        $workplace = $this->choice($request, 'workplace', Position::WORKPLACES);
        $schedule = $this->choice($request, 'schedule', Position::SCHEDULES);

        $positions = Position::forCards()
            ->when($words !== '', fn ($query) => $query->matching($words))
            ->when($workplace, fn ($query) => $query->where('workplace', $workplace))
            ->when($schedule, fn ($query) => $query->where('schedule', $schedule))
            ->paginate(12)
            ->appends(array_filter(['q' => $words, 'workplace' => $workplace, 'schedule' => $schedule]));

        return view('search', [
            'positions' => $positions,
            'words' => $words,
            'workplace' => $workplace,
            'schedule' => $schedule,
            'suggestions' => Tag::withCount('positions')->orderByDesc('positions_count')->orderBy('name')->limit(8)->get(),
        ]);
    }

    private function words(Request $request): string
    {
        $words = $request->query('q');

        // Malformed UTF-8 makes preg_replace return null: no words then.
        return is_string($words)
            ? Str::limit(trim((string) preg_replace('/\s+/u', ' ', $words)), 80, '')
            : '';
    }

    /** A filter's value when it is one on offer, else no filter. */
    private function choice(Request $request, string $name, array $offered): ?string
    {
        $value = $request->query($name);

        return is_string($value) && isset($offered[$value]) ? $value : null;
    }
}
