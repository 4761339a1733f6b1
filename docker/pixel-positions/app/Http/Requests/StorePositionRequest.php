<?php

namespace App\Http\Requests;

use App\Models\Position;
use Illuminate\Foundation\Http\FormRequest;
use Illuminate\Validation\Rule;

class StorePositionRequest extends FormRequest
{
    /** Raster formats only: an SVG may carry script. */
    public const LOGO_RULES = ['nullable', 'image', 'mimes:png,jpg,jpeg,webp,gif', 'max:2048'];

    public function authorize(): bool
    {
        return $this->user()->employer !== null;
    }

    public function rules(): array
    {
        return [
            'title' => ['required', 'string', 'min:4', 'max:120'],
            'location' => ['required', 'string', 'max:120'],
            'workplace' => ['required', Rule::in(array_keys(Position::WORKPLACES))],
            'schedule' => ['required', Rule::in(array_keys(Position::SCHEDULES))],
            'currency' => ['required', Rule::in(array_keys(Position::CURRENCIES))],
            'salary_min' => ['nullable', 'integer', 'min:0', 'max:10000000'],
            'salary_max' => ['nullable', 'integer', 'min:0', 'max:10000000'],
            'summary' => ['required', 'string', 'min:10', 'max:240'],
            'description' => ['required', 'string', 'min:30', 'max:10000'],
            'apply_url' => ['nullable', 'string', 'max:250', 'url', 'regex:#^https?://#i'],
            'tags' => ['nullable', 'string', 'max:200'],
            'featured' => ['nullable', 'boolean'],
            'logo' => self::LOGO_RULES,
        ];
    }

    public function withValidator($validator): void
    {
        $validator->after(function ($validator): void {
            $low = $this->input('salary_min');
            $high = $this->input('salary_max');

            if (is_numeric($low) && is_numeric($high) && (int) $high < (int) $low) {
                $validator->errors()->add('salary_max', 'The upper end must not be below the lower one.');
            }
        });
    }
}
