<?php

namespace App\Http\Controllers;

use App\Http\Requests\StorePositionRequest;
use App\Models\Position;
use App\Models\Tag;
use App\Notifications\PositionPosted;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;

class PositionController extends Controller
{
    public function show(Position $position)
    {
        $position->load(['employer', 'tags']);

        return view('positions.show', [
            'position' => $position,
            'others' => Position::forCards()
                ->where('id', '!=', $position->id)
                ->where(fn ($query) => $query
                    ->where('employer_id', $position->employer_id)
                    ->orWhereHas('tags', fn ($tag) => $tag->whereIn('tags.id', $position->tags->modelKeys())))
                ->limit(3)
                ->get(),
        ]);
    }

    public function create(Request $request)
    {
        abort_unless($request->user()->employer, 403);

        return view('positions.create', ['employer' => $request->user()->employer]);
    }

    public function store(StorePositionRequest $request)
    {
        $fields = collect($request->validated())->except(['tags', 'logo', 'featured']);
        $employer = $request->user()->employer;

        $position = DB::transaction(function () use ($request, $fields, $employer): Position {
            $position = $employer->positions()->create($fields->all() + [
                'slug' => Position::freeSlug($fields['title']),
                'featured' => $request->boolean('featured'),
            ]);

            $position->tags()->sync(Tag::idsFromList((string) $request->input('tags')));

            return $position;
        });

        if ($request->hasFile('logo')) {
            $employer->replaceLogo($request->file('logo'));
        }

        $request->user()->notify(new PositionPosted($position));

        return redirect()->route('positions.show', $position)
            ->with('status', 'Your job is on the board. Good luck with the search!');
    }

    public function mine(Request $request)
    {
        $employer = $request->user()->employer;

        return view('account', [
            'employer' => $employer,
            'positions' => $employer ? $employer->positions()->forCards()->paginate(12) : collect(),
        ]);
    }

    public function destroy(Request $request, Position $position)
    {
        abort_unless($position->employer->user_id === $request->user()->id, 403);

        $position->delete();

        return redirect()->route('account')->with('status', "“{$position->title}” has been taken down.");
    }
}
